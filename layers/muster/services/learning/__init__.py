"""Add faces from roll calls to the templates of students, when a person names them or when they are certain."""
