"""Export of published torch networks to ONNX; needs torch and the networks' libraries."""
