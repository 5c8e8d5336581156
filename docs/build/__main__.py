"""`python -m docs.build`, in a checkout."""

from docs.build.pages import write_pages

if __name__ == "__main__":
    write_pages()
