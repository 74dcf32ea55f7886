"""Attendance reports and their CSV, XLSX and HTML formats."""
