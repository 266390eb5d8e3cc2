"""Weight decay, projections and proximal steps: what is done beside the loss."""

__all__: list[str] = []
