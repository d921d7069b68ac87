"""Make tiny diffusers models with random weights that a real InvokeAI installs.

Run with the Python of an environment that has InvokeAI, because it needs torch,
diffusers and transformers:

    python make_tiny_models.py OUT_DIR

writes `OUT_DIR/tiny-sd1` (26 MB), `tiny-sdxl` (91 MB) and `tiny-sdxl-vae` (1 MB).
InvokeAI recognises the first two as `main` models of base `sd-1` and `sdxl` in
diffusers format, and runs 64x64 pixels in two steps on a CPU in under a second. The
images are noise: everything is real but the weights.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)


def tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP tokenizer without merges: one token a byte."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = sorted(ByteLevel.alphabet())
    vocabulary = [
        *letters,
        *(letter + "</w>" for letter in letters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    (folder / "vocab.json").write_text(
        json.dumps({token: i for i, token in enumerate(vocabulary)})
    )
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77
    )


def text_config(size: int, width: int) -> CLIPTextConfig:
    """A two-layer text encoder for a vocabulary of `size` tokens."""
    return CLIPTextConfig(
        vocab_size=size,
        hidden_size=width,
        projection_dim=width,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=8,
        max_position_embeddings=77,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
    )


def unet(cross_attention_dim: int, **extra: object) -> UNet2DConditionModel:
    """InvokeAI reads the base model off cross_attention_dim: 768 sd-1, 2048 sdxl."""
    return UNet2DConditionModel(
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(32, 64),
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=cross_attention_dim,
        **extra,
    )


def vae(sample_size: int, **extra: object) -> AutoencoderKL:
    """A VAE that scales by eight, as the server's latents expect."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=4,
        block_out_channels=(8, 8, 8, 8),
        sample_size=sample_size,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        **extra,
    )


def main(out: Path) -> None:
    """Write the three models below `out`, the same ones every time."""
    torch.manual_seed(0)
    tokens = tokenizer(out / "tokenizer")
    size = len(tokens.get_vocab())
    StableDiffusionPipeline(
        vae=vae(512),
        text_encoder=CLIPTextModel(text_config(size, 768)),
        tokenizer=tokens,
        unet=unet(768, sample_size=64, attention_head_dim=8),
        scheduler=PNDMScheduler(
            beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(out / "tiny-sd1")
    sdxl_vae = vae(1024, scaling_factor=0.13025, force_upcast=True)
    sdxl_vae.save_pretrained(out / "tiny-sdxl-vae")
    StableDiffusionXLPipeline(
        vae=sdxl_vae,
        text_encoder=CLIPTextModel(text_config(size, 768)),
        text_encoder_2=CLIPTextModelWithProjection(text_config(size, 1280)),
        tokenizer=tokens,
        tokenizer_2=tokens,
        unet=unet(
            2048,
            sample_size=128,
            attention_head_dim=(4, 8),
            use_linear_projection=True,
            transformer_layers_per_block=(1, 1),
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        ),
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear"),
    ).save_pretrained(out / "tiny-sdxl")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
