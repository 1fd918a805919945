-- Back to r0008_prints. Prints are taken anew from the pictures.
DROP TABLE image_print;
