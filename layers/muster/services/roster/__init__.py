"""Keep the roster: students, their consent, their groups, and the users who teach them. Erasing is in `students`."""
