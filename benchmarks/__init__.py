"""Test people and the speed harness. Not part of the product: nothing in it is imported by the server."""
