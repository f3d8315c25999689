"""Projects out and in: data sets in the layout of GAICD, tables of single ratings, captions with crops.

``gaicd`` makes of ratings what ``cadrage train gaicd`` reads, and takes such data sets in; ``tables`` writes every
rating as Parquet or JSON lines; ``captions`` writes the boxes drawn for captions. Each writes all or nothing.
"""
