"""Reading and writing tables in terms of domain objects; every read names its organization."""
