"""gunicorn's worker as the vault needs it: whose turn it is, who is turned away, and what is logged of it all."""
