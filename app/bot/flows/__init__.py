"""Handlers, a module for each flow."""
