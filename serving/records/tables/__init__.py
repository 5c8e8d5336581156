"""One file a subject; every file here is read by the migrations."""
