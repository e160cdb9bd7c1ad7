SELECT relname, relpages FROM pg_class ORDER BY random() LIMIT 20;
