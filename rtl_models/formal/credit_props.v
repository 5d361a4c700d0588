// A sender with a credit_counter, DEPTH slots behind it, and both ways of DELAY cycles: credits, flits under way, flits
// stored and credits under way are DEPTH together, always; so the FIFO never overflows.
module credit_props #(
    parameter DEPTH = 4,
    parameter DELAY = 2
) (
    input wire clk,
    input wire rst,
    input wire wants,  // the sender has a flit
    input wire takes   // the receiver takes one, if there is one
);
    wire available;
    wire [2:0] credits;
    wire spend = wants & available;
    reg [DELAY-1:0] flits, freed;  // under way
    wire arrives = flits[DELAY-1];
    wire [2:0] stored;
    wire waiting;
    wire pop = takes & waiting;

    credit_counter #(
        .INITIAL(DEPTH),
        .COUNT_BITS(3),
        .RETURN_BITS(1)
    ) counter (
        .clk(clk),
        .rst(rst),
        .returned(freed[DELAY-1]),
        .spend(spend),
        .available(available),
        .count(credits)
    );
    wire front;
    sync_fifo #(
        .WIDTH(1),
        .DEPTH(DEPTH),
        .COUNT_BITS(3)
    ) fifo (
        .clk(clk),
        .rst(rst),
        .push(arrives),
        .push_data(1'b0),
        .pop(pop),
        .front_valid(waiting),
        .front(front),
        .count(stored)
    );
    always @(posedge clk) begin
        flits <= rst ? 0 : {flits[DELAY-2:0], spend};
        freed <= rst ? 0 : {freed[DELAY-2:0], pop};
    end

    integer i;
    reg [5:0] total;
    always @* begin
        total = credits + stored;
        for (i = 0; i < DELAY; i = i + 1) total = total + flits[i] + freed[i];
        assert (total == DEPTH);
        assert (stored + arrives <= DEPTH);
        assert (credits <= DEPTH);
    end
endmodule
