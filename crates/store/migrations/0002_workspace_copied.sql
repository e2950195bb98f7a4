-- Frozen: a change of the schema is a file of its own with the next number.

-- How the repository was copied, as JSON; NULL where there is none.
ALTER TABLE vms ADD COLUMN workspace_copied TEXT;
