"""Photos to embeddings: decode, find faces, check quality, align and embed."""
