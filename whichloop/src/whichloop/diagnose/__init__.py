"""What it means: a recording and a failure in, a finding out. Pure."""
