-- A pass as the worker makes it.
CALL retention.enforce();
