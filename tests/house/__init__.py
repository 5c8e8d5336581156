"""The project as a whole: packages, locked versions and deployment."""
