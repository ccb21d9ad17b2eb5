"""The infrastructure, examined layer by layer; the doctor."""
