"""The FoxESS cloud, open API 1.1.3 and what came after it."""
