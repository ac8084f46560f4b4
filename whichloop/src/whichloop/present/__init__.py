"""What is shown: a finding or a recording as text. Pure."""
