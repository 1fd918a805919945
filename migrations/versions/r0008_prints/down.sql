-- Back to r0007_contact_language. Prints are taken anew from the pictures.
DROP TABLE image_print;
