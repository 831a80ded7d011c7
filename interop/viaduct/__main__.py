"""python3 -m viaduct"""

from viaduct.cli.main import entry

if __name__ == "__main__":
    entry()
