"""Notices of absences to the office, to a student's contacts and to other systems."""
