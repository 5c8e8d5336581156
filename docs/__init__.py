"""The documentation, and in `docs.build` the program that writes its generated pages. Not part of the wheel."""
