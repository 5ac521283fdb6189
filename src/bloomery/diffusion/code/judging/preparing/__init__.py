"""What each language needs before its programs can be started."""
