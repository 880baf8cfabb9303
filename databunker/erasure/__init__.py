"""What is known of people who were forgotten: a journal that outlives the database, and receipts (docs/erasure.md)."""
