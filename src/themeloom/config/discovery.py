"""What an experiment file says of topics: how they are sought."""

from typing import Annotated, Literal

from pydantic import Field

from themeloom.config.section import Section, Share, SomeShare, SomeText


class EncoderConfig(Section):
    """Turning a message into a vector."""

    name: SomeText = Field(
        "bundled",
        description="'bundled' (all-MiniLM-L6-v2), or a sentence-transformers model by name or folder.",
    )
    static: bool = Field(
        default=False,
        description="Whether the encoder is distilled to one vector a word piece (Model2Vec), once on each "
        "machine: a hundred times quicker, less exact. The adapted encoder is distilled too; with "
        "adapt.enabled = false nothing is adapted.",
    )
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        None,
        description="SHA-256 that the model's weights (model.safetensors) must have, or all its files, as "
        ".themeloom/encoders.json tells it; by default that of the study's first use.",
    )
    trust_remote_code: bool = Field(
        default=False,
        description="Whether code that comes with a named model is run here, with all your rights: only for "
        "a model whose authors you trust.",
    )
    backend: Literal["torch", "bfloat16", "auto"] = Field(
        "torch",
        description="'torch', the reference, in float32; 'bfloat16', quicker where the machine is made "
        "for it, less exact; 'auto', what `themeloom bench encoder` found clearly quicker on this "
        "machine, and the reference where it was not asked.",
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(32, description="Messages a batch.")
    cache_gigabytes: Annotated[float, Field(gt=0)] = Field(
        20, description="Vectors that are kept; those not used for longest leave first."
    )
    frequent_terms: SomeShare = Field(
        0.7,
        description="Terms in more than this share of messages say nothing of the topic and are left out; "
        "where most messages seem not to be English, hashtags alone.",
    )


class AdaptConfig(Section):
    """Fine-tuning the encoder's upper layers on the labels, for the mapping."""

    enabled: bool = Field(
        default=True, description="Whether the encoder is adapted to the labels; without it runs are quicker."
    )
    layers: Annotated[int, Field(ge=1, le=48)] = Field(
        3, description="Upper layers that learn; those below stay."
    )
    steps: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Steps of training; by default 20, or 45 where topics are read from adapted vectors, too "
        "(discover.vectors), and of more than 200 labels, up to 1,000, so many more in proportion.",
    )
    batch_size: Annotated[int, Field(ge=4, le=1024)] = Field(32, description="Messages a step.")
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = Field(
        1e-4, description="AdamW's highest learning rate."
    )
    temperature: Annotated[float, Field(gt=0, le=10)] = Field(
        0.1, description="Temperature of the supervised contrastive loss."
    )
    arithmetic: Literal["auto", "float32"] = Field(
        "auto",
        description="Of training, and of vectors for folds alone. 'auto': bfloat16 where the processor "
        "multiplies it in hardware (AMX or AVX-512), which takes about half the time, else float32; "
        "'float32': that everywhere.",
    )


class DiscoverConfig(Section):
    """What topics are read from."""

    vectors: Literal["raw", "raw+adapted"] = Field(
        "raw",
        description="'raw': topics emerge from vectors that no label has touched; 'raw+adapted': labels "
        "inform them, by the adapted encoder's vectors beside the raw ones.",
    )
    seeds: Annotated[int, Field(ge=1, le=100)] = Field(
        1,
        description="Times topics are sought, each with a seed of its own over one neighbour graph, to tell "
        "how far each topic comes back; 1: not told.",
    )
    sample: Annotated[int, Field(ge=100)] = Field(
        6_000,
        description="Of a corpus of more communications than this, topics are found in so many, drawn by "
        "what they say; the others are placed by their neighbours, and the report tells what that costs.",
    )

    @property
    def informed(self) -> bool:
        """Whether labels inform the topics."""
        return self.vectors == "raw+adapted"


class ReduceConfig(Section):
    """UMAP."""

    neighbors: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Neighbours a message; by default 15, or all where there are fewer."
    )
    components: Annotated[int, Field(ge=2, le=100)] = Field(
        5, description="Dimensions in which topics are sought."
    )
    min_dist: Share = Field(0.0, description="How tightly UMAP packs neighbours.")


class ClusterConfig(Section):
    """HDBSCAN."""

    backend: Literal["hdbscan", "fast-hdbscan"] = Field(
        "hdbscan",
        description="'hdbscan', the reference, on one core; or 'fast-hdbscan' on all of them: the same "
        "clusters, sooner where cores and messages are many; it compiles for a while when it is first used.",
    )
    min_cluster_size: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Smallest topic; by default from the corpus size."
    )
    min_samples: Annotated[int, Field(ge=1)] | None = Field(
        None, description="HDBSCAN's min_samples; by default 1, which leaves the fewest outliers."
    )
    selection: Literal["auto", "eom", "leaf"] = Field(
        "auto",
        description="HDBSCAN's cluster selection; 'auto' is excess of mass, or leaves where that collapses.",
    )
    second_best: bool = Field(
        default=True,
        description="Whether outliers get the topic of their nearest neighbours (and keep their flag).",
    )
    consensus: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None,
        description="Short layouts, each with a seed of its own over one neighbour graph, whose agreement "
        "makes the topics; 1: topics of one whole layout. By default 2,400 divided by the square root of the "
        "messages in which topics are found, at most 90, and 1 for more than 20,000 of them.",
    )


class DescribeConfig(Section):
    """BERTopic's description of the topics."""

    words: Annotated[int, Field(ge=3, le=50)] = Field(10, description="Words a topic.")
    representative: Annotated[int, Field(ge=1, le=20)] = Field(
        3, description="Representative messages a topic."
    )
    diversity: Share = Field(0.3, description="Diversity of the words by maximal marginal relevance.")
