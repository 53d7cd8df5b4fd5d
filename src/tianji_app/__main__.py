"""`python -m tianji_app` is `tianji`."""

from tianji_app.cli import main

if __name__ == "__main__":
    main()
