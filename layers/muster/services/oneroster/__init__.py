"""Import a school's roster from OneRoster CSV files: read the package, plan and execute."""
