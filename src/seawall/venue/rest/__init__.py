"""The venue's own REST, `/v1`: what an account owes and may do, and why, in fields that cannot be mistaken."""
