"""The checks, one file each: what is looked at, and what would mend a failure."""
