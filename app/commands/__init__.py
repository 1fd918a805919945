"""The command line's commands, a module a group; each imports what it needs when it runs."""
