-- What lay open of an embedding told its length and, with PLDA, a number that no rotation changes: by either, templates
-- of one photo were known without the key. Both go, with the files they are in; ``rekey`` makes directions of what is
-- sealed. An older version that still runs can add no other.
TRUNCATE rotated;
ALTER TABLE rotated ADD CHECK (vector_norm(vector) = 0 OR abs(vector_norm(vector) - 1) < 0.001);
