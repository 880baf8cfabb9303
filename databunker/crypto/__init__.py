"""Keyring, sealed envelopes and blind indexes. Everything cryptographic happens here, through libsodium."""
