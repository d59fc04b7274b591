"""Who is enrolled: templates that are kept safe, found again, and really removed."""
