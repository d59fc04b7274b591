"""Published results: small files that hold everything but photos, and the tables and pages made from them."""
