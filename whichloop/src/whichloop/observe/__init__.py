"""What happens: loops, loop-bound objects and their crossings, seen while the suite runs."""
