"""Papers as PDF: packing slips, labels, certificates of conformity, in the owner's brand.

The same record gives the same bytes. Letters are DejaVu Sans: Latin, Greek, Cyrillic, Hebrew and Arabic, shaped and in
their own direction. Others (such as Chinese) take a font of the operator's own, ``FABROUTE_PAPER_FONT_FILE``; without
one, an empty box stands for each of them.
"""
