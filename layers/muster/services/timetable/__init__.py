"""Lessons, terms and holidays: reading, changing, importing, and the registers of a day's lessons."""
