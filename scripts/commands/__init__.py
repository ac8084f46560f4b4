"""The commands a newcomer types: reproduce, fix, tour, serve, minimal."""
