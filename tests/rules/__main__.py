"""Write docs/rules: python -m tests.rules."""

from tests.rules.pages import FOLDER, pages

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for page in FOLDER.iterdir():
        if page.name not in made:
            page.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text)
