"""The REST service: verify, enrol and identify over HTTP, for those who hold a key."""
