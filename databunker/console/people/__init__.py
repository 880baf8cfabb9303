"""People: looked up by what they are known by, seen masked, revealed for a purpose, and forgotten after a preview."""
