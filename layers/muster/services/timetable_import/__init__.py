"""Import of lessons from tables (CSV, XLSX) and from iCalendar files, with a preview."""
