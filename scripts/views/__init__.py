"""What a person reads: tables, diffs, pages, all drawn from results and manifests."""
