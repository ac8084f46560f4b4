"""What needs a Docker engine and both images: `make test-docker`. Without them it fails."""
