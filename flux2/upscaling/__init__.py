"""The vision upscaler: more detail, same picture. `request` is torch-free; the rest runs beside a loaded model."""
