"""Take a roll call: check and read the photos of a session, ask about doubtful faces, correct the result."""
