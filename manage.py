#!/usr/bin/env python
"""The operator's entrance in a clone: `manage.py help` lists the commands. Installed, it is called `databunker`."""

from databunker.__main__ import main

if __name__ == "__main__":
    main()
