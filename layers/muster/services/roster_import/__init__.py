"""Import a roster from a CSV or XLSX file: decode, find the columns, read the rows, plan and execute."""
